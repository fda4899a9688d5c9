export { createClock, type HostClocks, type WitnessedClock as KmsClock } from '@sotto/serve/clock'
