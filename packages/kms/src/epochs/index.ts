export { destroyExpired, type EpochPlan, MAX_KEYS_PER_SET, planEpoch, publishPending } from './plan.ts'
