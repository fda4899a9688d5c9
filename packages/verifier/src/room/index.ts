export { type RoomContext, type RoomResult, type VerifiedRoom, verifyRoom } from './verify.ts'
