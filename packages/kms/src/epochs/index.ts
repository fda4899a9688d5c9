export { destroyExpired, type EpochPlan, planEpoch, publishPending } from './plan.ts'
export { judgeRotation, ROTATE_PAYLOAD_TYPE, type RotateRequest } from './rotate.ts'
