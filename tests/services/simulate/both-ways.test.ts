import { agrees } from '../../support/agrees.ts';

test('a hundred random scripts go the same way simulated, as a what-if, and with real programs on SQLite', () =>
  agrees(100, 1));
