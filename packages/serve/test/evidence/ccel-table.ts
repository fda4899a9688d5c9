/** ACPI table of a TDX guest's event log, with a checksum that is right. */
export function ccelTable(change: (table: Buffer) => void = () => undefined): Buffer {
  const table = Buffer.alloc(56)
  table.write('CCEL')
  table.writeUInt32LE(56, 4)
  table.writeUInt8(1, 8)
  table.writeUInt8(2, 36)
  table.writeBigUInt64LE(65_536n, 40)
  table.writeBigUInt64LE(0x7fbe_d000n, 48)
  change(table)
  table.writeUInt8((256 - (table.reduce((sum, byte) => sum + byte, 0) & 0xff)) & 0xff, 9)
  return table
}
