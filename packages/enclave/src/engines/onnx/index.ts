export { externalDataOf } from './external-data.ts'
export { type ElementType, openSession, type Port, type Session, type SessionOptions, type Values } from './session.ts'
export { asPortType, flagTensor, floatTensor, idTensor, takeRows, toFloats, zeroTensor } from './tensors.ts'
