import config from './jest.config.mjs';
import { unitTests } from './tests/test-kinds.mjs';

/** `npm run test:unit`: without processes, sockets and browsers. */
export default { ...config, testMatch: unitTests };
