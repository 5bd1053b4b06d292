export default {
  testEnvironment: 'node',
  // XState's own checks (unknown targets, missing implementations) exist only under this condition.
  testEnvironmentOptions: { customExportConditions: ['node', 'node-addons', 'development'] },
  roots: ['<rootDir>/tests'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/tests/jest.strip.cjs' },
  testTimeout: 60_000,
};
