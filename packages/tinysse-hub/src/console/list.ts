import type { SSEReset } from 'tinysse/client';

/** The most that the page shows; older rows leave. */
const MOST_ROWS = 200;

/** A message as the page shows it. */
interface Shown {
  id: string;
  event: string;
  data: string;
}

/** The list of events, newest first. */
export interface EventList {
  message(message: Shown): void;
  reset(reset: SSEReset): void;
  clear(): void;
}

const RESETS: Record<SSEReset['reason'], string> = {
  epoch: 'Reset: the hub was started afresh and has forgotten what came before.',
  evicted: 'Reset: the hub no longer keeps all that came while this page was away.',
  unknown: 'Reset: the hub does not know where this page was.',
};

export function createEventList(list: HTMLElement, count: HTMLElement, empty: HTMLElement): EventList {
  let total = 0;
  let waiting: HTMLElement[] = [];

  // One change of the page per frame, however many events come; a page in the background gets no frames.
  const add = (row: HTMLElement): void => {
    if (waiting.push(row) === 1) requestAnimationFrame(show);
    if (waiting.length > 2 * MOST_ROWS) waiting = waiting.slice(-MOST_ROWS);
  };
  const show = (): void => {
    list.prepend(...waiting.reverse());
    waiting = [];
    while (list.childElementCount > MOST_ROWS) list.lastElementChild?.remove();
    render();
  };
  const render = (): void => {
    count.textContent = total > MOST_ROWS ? `${total}, the last ${MOST_ROWS} shown` : String(total);
    list.hidden = list.childElementCount === 0;
    empty.hidden = !list.hidden;
  };

  return {
    message({ id, event, data }) {
      total++;
      add(row('', text('span', 'name', event, event), text('pre', 'data', data), cursor(id)));
    },
    reset({ reason, resumedAt }) {
      const said = `${RESETS[reason]} Events may be missing here.`;
      add(row('reset', text('span', 'said', said), cursor(resumedAt)));
    },
    clear() {
      total = 0;
      waiting = [];
      list.replaceChildren();
      render();
    },
  };
}

function row(kind: string, ...cells: HTMLElement[]): HTMLElement {
  const item = document.createElement('li');
  item.className = kind;
  const now = new Date();
  const time = document.createElement('time');
  time.dateTime = now.toISOString();
  time.textContent = `${now.toTimeString().slice(0, 8)}.${String(now.getMilliseconds()).padStart(3, '0')}`;
  item.append(time, ...cells);
  return item;
}

const cursor = (id: string): HTMLElement => text('code', 'id', id, 'the id of this event: the cursor to go on after');

function text(tag: string, kind: string, content: string, title?: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = content;
  if (title !== undefined) element.title = title;
  return element;
}
