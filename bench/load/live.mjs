// A thread with a publisher and clients that are live, for scenarios whose own thread is too busy reading to tell how
// late an event came. It begins when it says 'ready', and ends when it is told to.
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { check } from './check.mjs';
import { Session } from './session.mjs';

const { spec, clients, rate, published, lastEventId } = workerData;
const session = new Session(spec);
// What was published before is due to none of these clients.
for (let i = 0; i < published; i++) session.targets.push([]);
await session.connect(clients, { lastEventId });
const publisher = await session.publisher(1);
publisher.sent = publisher.answered = published;
session.measure();

let told = false;
const stop = once(parentPort, 'message').then(() => (told = true));
parentPort.postMessage('ready');
for (let due = performance.now(); !told; due += 1_000 / rate) {
  await Promise.race([stop, wait(Math.max(0, due - performance.now()))]);
  await publisher.publish(1);
}
await session.delivered();
const violations = check({ clients: session.clients, targets: session.targets, publisher, connections: 1 });
parentPort.postMessage({ published: publisher.sent, latency: session.histogram.summary(), violations });
