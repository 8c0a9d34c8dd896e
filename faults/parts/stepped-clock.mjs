// For `node --import`: steps the clock of a program. Each line of stdin is by how many milliseconds.
import { createInterface } from 'node:readline';

const { now } = Date;
let stepped = 0;
Date.now = () => now() + stepped;
createInterface({ input: process.stdin }).on('line', (line) => {
  stepped += Number(line);
});
