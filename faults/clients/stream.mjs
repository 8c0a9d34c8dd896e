/**
 * Reads a stream as an EventSource does, with code of its own.
 *
 * @param {(frame: { id?: string, event?: string, data?: string }) => void} onFrame
 * @returns {(text: string) => void} takes the stream's text, wherever it is cut
 */
export function frames(onFrame) {
  let rest = '';
  return (text) => {
    rest += text;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      /** @type {Record<string, string>} */
      const frame = {};
      for (const line of block.split('\n')) {
        const [, field, value = ''] = /^(id|event|data): ?(.*)$/s.exec(line) ?? [];
        if (field) frame[field] = field === 'data' && 'data' in frame ? `${frame.data}\n${value}` : value;
      }
      onFrame(frame);
    }
  };
}
