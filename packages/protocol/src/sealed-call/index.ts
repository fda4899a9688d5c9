export {
  openCalls,
  type OpenedCall,
  SEALED_CALL_OVERHEAD_BYTES,
  SEALED_CALL_TYPE,
  sealCall,
  type SealedCall,
} from './sealed-call.ts'
