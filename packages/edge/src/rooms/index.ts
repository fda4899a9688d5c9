export { createRoomsApp, ROOMS_STATUSES, type RoomsAppOptions } from './app.ts'
export { roomsConfig, type RoomsConfig } from './config.ts'
export { openRooms, type OpenRoomsOptions, type RunningRooms } from './open-rooms.ts'
export type { Swept } from './sweep.ts'
