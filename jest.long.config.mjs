import config from './jest.config.mjs';

/** `npm run test:long`: what takes minutes and gigabytes, and so is not in `npm test`. */
export default { ...config, testMatch: ['**/*.long.ts'], testTimeout: 1_800_000 };
