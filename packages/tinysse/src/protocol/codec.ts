/**
 * The data of each event by the event's name, as a type: `{ update: { id: string }; message: string }`. Events without
 * a name go by `message`. This one is for data that nobody parses.
 */
export type Untyped = Record<string, string>;

/** Turns data into the text that travels, and back. One codec serves a server and its clients. */
// biome-ignore lint/suspicious/noExplicitAny: a codec that knows no events, as `json`, serves all of them
export interface Codec<Out extends object = any, In extends object = Out> {
  /**
   * Runs on the server when an event is published. What it throws refuses the event: INVALID_DATA.
   * @param event - its name; `message` if it has none
   */
  encode(data: In[keyof In], event: string): string;
  /** Runs on the client. What it throws is reported as VALIDATION, with its `issues` if it has any; the stream goes on. */
  decode(text: string, event: string): Out[keyof Out];
  /** Never there: carries the types of the events that are published (`in`) and received (`out`). */
  readonly types?: { readonly in: In; readonly out: Out } | undefined;
}

/**
 * What options need beside: a codec, unless all data is text already.
 * @internal
 */
export type CodecFor<Events, Text = string> = [Events[keyof Events]] extends [Text] ? unknown : { codec: object };

/**
 * Data as JSON. An event without data, as some servers send to keep a stream alive, has the data `undefined`.
 *
 * @example
 * createSSEServer<Events>({ codec: json });
 * createSSEClient<Events>({ endpoint: '/events', codec: json });
 */
export const json: Codec = {
  encode: (data) => JSON.stringify(data),
  decode: (text) => (text ? JSON.parse(text) : undefined),
};
