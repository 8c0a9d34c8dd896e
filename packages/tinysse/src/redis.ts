export { type RedisLog, type RedisLogOptions, redisLog } from './log/redis.js';
export type { RedisClient } from './log/redis-link.js';
