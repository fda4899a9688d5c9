export { type OwnHistory, scanOwnHistory } from './scan.ts'
export { STATE_ANCHOR_TYPE, type StateAnchor, stateAnchorDecoder } from './state-anchor.ts'
