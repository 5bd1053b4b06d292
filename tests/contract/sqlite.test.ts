import { openAt } from './open-at.ts';
import { outboxContract } from './outbox-contract.ts';
import { sqlitePlace } from './sqlite-place.ts';
import { storeContract } from './store-contract.ts';

storeContract('SQLite', sqlitePlace, openAt);
outboxContract('SQLite', sqlitePlace, openAt);
