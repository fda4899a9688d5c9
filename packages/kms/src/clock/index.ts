export { createClock, type HostClocks, type WitnessedClock as KmsClock } from '@sotto/serve/clock'
export { pause } from './pause.ts'
