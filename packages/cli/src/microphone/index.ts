export { type Hearing, nextQuestion } from './next-question.ts'
export { record, type Recording } from './record.ts'
export { findRecorder, MICROPHONE_RATE, type Recorder, type RecorderWorld } from './recorders.ts'
