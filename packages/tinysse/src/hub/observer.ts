/**
 * Told of what a hub does, as it does it. Its methods must not throw, and are called within the work that they are told
 * of: never once a delivery, at most once a publish, a flush or a connection.
 */
export interface HubObserver {
  /**
   * A publish has been answered; of events that were published together, all that the log has accepted at once.
   * @param ms - milliseconds from the call to the log's answer
   * @param error - why it failed, an SSEError unless the log throws others; none when the log has accepted the event
   * @param events - how many events were accepted together, when they were published so
   */
  published?(ms: number, error?: unknown, events?: number): void;
  /**
   * A flush has written what one turn of the event loop brought.
   * @param events - how many events
   * @param ms - milliseconds since the hub heard of the first of them
   */
  flushed?(events: number, ms: number): void;
  /**
   * A snapshot has been written whole, or has failed; not told of one whose client has left.
   * @param ms - milliseconds from the call that asks for it to its last event, the client's own pauses included
   * @param error - why it failed
   */
  snapshotTaken?(ms: number, error?: unknown): void;
}
