/**
 * Event types of "TCG PC Client Platform Firmware Profile", section 10.4.1, by number, and dstack's own for
 * what an application measures. Others are kept as numbers.
 */
export const EVENT_TYPES: Readonly<Record<number, string>> = {
  0x0000_0001: 'EV_POST_CODE',
  0x0000_0003: 'EV_NO_ACTION',
  0x0000_0004: 'EV_SEPARATOR',
  0x0000_0005: 'EV_ACTION',
  0x0000_0006: 'EV_EVENT_TAG',
  0x0000_0007: 'EV_S_CRTM_CONTENTS',
  0x0000_0008: 'EV_S_CRTM_VERSION',
  0x0000_0009: 'EV_CPU_MICROCODE',
  0x0000_000a: 'EV_PLATFORM_CONFIG_FLAGS',
  0x0000_000b: 'EV_TABLE_OF_DEVICES',
  0x0000_000c: 'EV_COMPACT_HASH',
  0x0000_000d: 'EV_IPL',
  0x0000_000e: 'EV_IPL_PARTITION_DATA',
  0x0000_000f: 'EV_NONHOST_CODE',
  0x0000_0010: 'EV_NONHOST_CONFIG',
  0x0000_0011: 'EV_NONHOST_INFO',
  0x0000_0012: 'EV_OMIT_BOOT_DEVICE_EVENTS',
  0x0000_0013: 'EV_POST_CODE2',
  0x0800_0001: 'DSTACK_RUNTIME_EVENT',
  0x8000_0001: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
  0x8000_0002: 'EV_EFI_VARIABLE_BOOT',
  0x8000_0003: 'EV_EFI_BOOT_SERVICES_APPLICATION',
  0x8000_0004: 'EV_EFI_BOOT_SERVICES_DRIVER',
  0x8000_0005: 'EV_EFI_RUNTIME_SERVICES_DRIVER',
  0x8000_0006: 'EV_EFI_GPT_EVENT',
  0x8000_0007: 'EV_EFI_ACTION',
  0x8000_0008: 'EV_EFI_PLATFORM_FIRMWARE_BLOB',
  0x8000_0009: 'EV_EFI_HANDOFF_TABLES',
  0x8000_000a: 'EV_EFI_PLATFORM_FIRMWARE_BLOB2',
  0x8000_000b: 'EV_EFI_HANDOFF_TABLES2',
  0x8000_000c: 'EV_EFI_VARIABLE_BOOT2',
  0x8000_000d: 'EV_EFI_GPT_EVENT2',
  0x8000_0010: 'EV_EFI_HCRTM_EVENT',
  0x8000_00e0: 'EV_EFI_VARIABLE_AUTHORITY',
  0x8000_00e1: 'EV_EFI_SPDM_FIRMWARE_BLOB',
  0x8000_00e2: 'EV_EFI_SPDM_FIRMWARE_CONFIG',
}

/** The one that is in the log and was never measured. */
export const EV_NO_ACTION = 3

/** The one whose type, name and payload are all hashed: what an application of dstack measures. */
export const DSTACK_RUNTIME_EVENT = 0x0800_0001

/** Name of a type; its number in hexadecimal where it has none. */
export function typeName(type: number): string {
  return EVENT_TYPES[type] ?? `0x${type.toString(16).padStart(8, '0')}`
}

/** One entry of a log. */
export interface LogEvent {
  /** 0 for MRTD, 1 to 4 for RTMR0 to RTMR3. */
  index: number
  type: number
  /** Name of the type; its number in hexadecimal where it has none. */
  typeName: string
  /** SHA-384: what extended the register. */
  digest: Uint8Array
  /**
   * What the log tells about it; not what was hashed, for most types: words of whoever wrote the log, which decide
   * nothing unless {@link isDigestOfData} or the event is a {@link DSTACK_RUNTIME_EVENT}. Nor does `type` in itself.
   */
  data: Uint8Array
  /** Of a {@link DSTACK_RUNTIME_EVENT} alone, where the digest covers it. */
  name?: string
}

/** A log of a TD that was read. What it says is proven by {@link replayEventLog} against a quote. */
export interface EventLog {
  /** Binary, of firmware; or JSON, of dstack. */
  format: 'ccel' | 'dstack'
  events: LogEvent[]
}
