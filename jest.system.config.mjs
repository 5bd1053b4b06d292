import config from './jest.config.mjs';
import { systemTests } from './tests/test-kinds.mjs';

/** `npm run test:system`: with real processes, services and a browser. */
export default { ...config, testMatch: systemTests };
