// node publish.mjs awaited|together COUNT: publishes to no subscribers and prints how fast.
import { createSSEServer } from 'tinysse';

const [how, count] = [process.argv[2], Number(process.argv[3])];
const sse = createSSEServer();
const data = 'x'.repeat(100);

async function publish(events) {
  if (how === 'awaited') {
    for (let i = 0; i < events; i++) await sse.publish(data, 'all');
    return;
  }
  for (let i = 0; i < events; i += 64) {
    const together = [];
    for (let k = 0; k < 64; k++) together.push(sse.publish(data, 'all'));
    await Promise.all(together);
  }
}

await publish(count / 10);
const cpu = process.cpuUsage();
const began = performance.now();
await publish(count);
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpu);
const { published } = await sse.stats();
const lost = Math.max(0, count + count / 10 - published);
console.log(JSON.stringify({ perSecond: count / seconds, cpuPerEvent: (user + system) / count, violations: { lost } }));
process.exit(0);
