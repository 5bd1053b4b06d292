import type { Connection } from '../live/connection.ts';
import { clockTime } from './time.ts';

/** How a connection stands, as the pages say it. */
export const connectionWord = (connection: Connection): string => {
  switch (connection.state) {
    case 'connecting':
      return 'Connecting…';
    case 'live':
      return 'Live';
    case 'lagging':
      return `As of ${clockTime(connection.lastAt)}`;
    case 'reconnecting':
      return connection.lastAt === null
        ? 'Reconnecting'
        : `Reconnecting, as of ${clockTime(connection.lastAt)}`;
    case 'offline':
      return 'Offline';
    case 'refused':
      return 'Refused';
  }
};
