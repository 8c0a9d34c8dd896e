export { type LmdbLogOptions, lmdbLog } from './log/lmdb.js';
