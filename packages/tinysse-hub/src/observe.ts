import type { Observer } from 'tinysse';
import type { Journal } from './journal.js';
import type { Metrics } from './metrics.js';

/** What the server of streams tells, for both to hear. */
export const observerOf = ({ observer: count }: Metrics, { observer: note }: Journal): Observer => ({
  ...count,
  connected(connection) {
    count.connected(connection);
    note.connected(connection);
  },
  disconnected(connection, end) {
    count.disconnected(connection, end);
    note.disconnected(connection, end);
  },
  refused(request, context, error) {
    count.refused(request, context, error);
    note.refused(request, context, error);
  },
});
