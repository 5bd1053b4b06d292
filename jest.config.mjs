export default {
  testEnvironment: 'node',
  // XState's own checks (unknown targets, missing implementations) exist only under this condition.
  testEnvironmentOptions: { customExportConditions: ['node', 'node-addons', 'development'] },
  roots: ['<rootDir>/tests'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/tests/jest.strip.cjs' },
  // A guard against hanging, not a measure of speed: some ten times what a slow test takes.
  testTimeout: 300_000,
  setupFilesAfterEnv: ['<rootDir>/tests/support/close-left.ts'],
  // One process for all would grow, and a large process forks slowly: what the tests measure of
  // ours would be Jest's.
  maxWorkers: 2,
  workerIdleMemoryLimit: '600MB',
};
