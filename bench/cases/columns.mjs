// Columns that several cases print. A column's figure is the median of the runs; one that says what is better is compared.
export const deliveriesPerSecond = { title: 'deliveries/s', better: 'more', figure: (result) => result.perSecond };
export const cpuPerDelivery = { title: 'CPU µs / delivery', better: 'less', figure: (result) => result.cpuPerDelivery };
export const cpuPerEvent = { title: 'CPU µs / event', better: 'less', figure: (result) => result.cpuPerEvent };
export const p50 = { title: 'p50 ms', better: 'less', figure: (result) => result.latency.p50 };
export const p99 = { title: 'p99 ms', better: 'less', figure: (result) => result.latency.p99 };
/** Shares of a core. Flat out the server's is near 1 unless other programs disturbed the machine. */
export const server = { title: 'server', figure: (result) => result.serverLoad };
/** Near 1, the load generator was the limit. */
export const generator = { title: 'generator', figure: (result) => result.generatorLoad };
