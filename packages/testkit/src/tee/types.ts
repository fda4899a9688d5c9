import type { AdmissionTuple, Component, Evidence } from '@sotto/protocol/keyrelease'

/** An image with its configuration, as every kind of hardware here reports it. */
export interface FakeImage {
  /** MEASUREMENT, MRTD or PCR0: 48 bytes, hexadecimal. */
  measurement: string
  /** SHA-256 of the configuration. */
  hostData: string
}

/** A kind of machine that roles may run on, of a vendor of one's own. */
export interface FakeTee {
  /** What a policy accepts of it. */
  platform: AdmissionTuple
  /** What evidence of this image says: for its release statement. */
  pins(image: FakeImage): Component
  /** Evidence of a machine that runs this image, bound as the family binds (T8). */
  evidence(image: FakeImage, binding: Uint8Array): Evidence
}
