import { sqlitePlace } from './sqlite-place.ts';
import { storeRaces } from './store-races.ts';

storeRaces('SQLite', sqlitePlace);
