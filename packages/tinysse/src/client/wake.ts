/**
 * Listens for what makes it worth trying at once: the network is there again, the page is seen again. Where there is
 * neither, it hears nothing.
 * @returns its undo
 */
export function onWake(wake: () => void): () => void {
  const controller = new AbortController();
  for (const type of ['online', 'visibilitychange'])
    globalThis.addEventListener?.(type, () => globalThis.document?.hidden || wake(), controller);
  return () => controller.abort();
}
