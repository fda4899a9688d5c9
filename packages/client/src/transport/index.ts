export { exchange, type ExchangeEnd, type InnerResponse, type Outlet } from './exchange.ts'
export { APP_ORIGIN, INNER_ORIGIN, type InnerRequest, prepareRequest } from './inner-request.ts'
export { toResponse, type TrackedResponse } from './to-response.ts'
export type { WebSocketClass } from './socket.ts'
