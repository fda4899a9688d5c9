export { destroyExpired, type EpochPlan, MAX_KEYS_PER_SET, planEpoch, publishPending } from './plan.ts'
export { judgeRotation, ROTATE_PAYLOAD_TYPE, type RotateRequest } from './rotate.ts'
