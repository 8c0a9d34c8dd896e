/**
 * A signal that is aborted with another: Node warns of a leak where more than ten listen to one, and many clients may share
 * the application's. Runtimes without `AbortSignal.any` do not warn.
 */
export const ownSignal = (signal: AbortSignal | undefined): AbortSignal | undefined =>
  signal && (AbortSignal.any?.([signal]) ?? signal);
