export { createRoomRoutes, type RoomRoutesOptions } from './routes.ts'
