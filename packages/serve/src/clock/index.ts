export { createClock, type HostClocks, type WitnessedClock } from './clock.ts'
