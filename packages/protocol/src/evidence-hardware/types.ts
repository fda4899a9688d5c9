/** What is looked at of a machine. No method throws: what cannot be read is undefined. */
export interface HardwareFiles {
  exists(path: string): Promise<boolean>
  /** Content of a small text file. */
  readText(path: string): Promise<string | undefined>
  /** Whether this process may read and write it; undefined when it does not exist. */
  access(path: string): Promise<{ read: boolean; write: boolean } | undefined>
}

/** Sources of evidence that a machine can have. */
export type HardwareSource = 'sev-snp' | 'tdx' | 'azure-cvm' | 'sgx' | 'nitro' | 'nvidia'

/** What one source of evidence is worth on this machine. */
export interface HardwareFinding {
  source: HardwareSource
  /** What people call it. */
  title: string
  /**
   * - `ready`: this process can collect evidence.
   * - `blocked`: the hardware is there, something in the way can be removed; see `fix`.
   * - `absent`: this machine does not have it.
   */
  status: 'ready' | 'blocked' | 'absent'
  /** How evidence is collected, or why it is not. One sentence without a full stop. */
  why: string
  /** What to do, in the imperative, where something can be done. */
  fix?: string
}
