export { createClock, type HostClocks, type KmsClock } from './clock.ts'
