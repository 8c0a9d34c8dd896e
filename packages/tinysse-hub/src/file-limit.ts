import { readFileSync } from 'node:fs';

/** The most files that this process may have open, connections among them; undefined where the system does not tell. */
export function fileLimit(): number | undefined {
  try {
    // Node has raised the soft limit to the hard one by now.
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return reported();
  }
}

/** As Node's report has it, on systems without /proc. */
function reported(): number | undefined {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isSafeInteger(soft) ? soft : undefined;
}
