/** Classes of sealed records (04 §6): critical under the head, bulk, and shares under the epoch's key. */
export type RecordClass = 'c' | 'b' | 's'

/** The part of the vault that this room needs. A resolved write would survive a loss of power. */
export interface Records {
  get(kind: RecordClass, name: string): Promise<Uint8Array | undefined>
  put(kind: RecordClass, name: string, value: Uint8Array): Promise<void>
  delete(kind: RecordClass, name: string): Promise<void>
  /** Names of critical records with this beginning: all of them are known from boot on. */
  criticalNames(prefix: string): readonly string[]
}

/** GI, the guest's signing key (04 §5); its secret never leaves the vault. */
export interface Signer {
  sign(message: Uint8Array): Promise<Uint8Array>
}
