export { isRoomWasmErrorCode, type RoomWasmErrorCode, WASM_RULES, type WasmRule } from './errors.ts'
export { checkModule, type MeterLimits } from './meter.ts'
export { requireModuleSize } from './module.ts'
export { runWasm, tryModule, type WasmEngine, type WasmInput, type WasmRun } from './run.ts'
