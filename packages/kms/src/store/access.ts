import type { SealedStore } from './types.ts'

/**
 * A store as one process owns it for a while. A process that was stopped, cut off or merely slow may have lost it
 * without knowing: what it then does must have no effect.
 */
export interface StoreTerm {
  /** Takes commits only while this term lasts, however late they arrive. */
  readonly store: SealedStore
  /** False from the moment another process may own the store, by our own clock; true again when it turns out it does not. */
  isHeld(): boolean
  /** Asks whoever decides, now. @throws `KMS_STANDBY` another process owns the store or may; `KMS_STORE_FAILED` */
  confirm(): Promise<void>
  /** Resolves when another process owns the store, for certain, or this term was ended. */
  readonly ended: Promise<void>
  /** Gives the store up, so that another process need not wait. */
  end(): Promise<void>
}

/** Where a store is kept, and how a process becomes its owner. */
export interface StoreAccess {
  /** Whether other processes may own it in turn. */
  readonly isShared: boolean
  /**
   * Waits until this process owns the store; `report` is told why it waits, each time it has asked in vain.
   * @throws the errors of the store that another try does not change; whatever `signal` is aborted with
   */
  acquire(signal: AbortSignal, report?: (code: string) => void): Promise<StoreTerm>
  close(): Promise<void>
}
