/** As much of the platform's WebAssembly as the kernel uses: the declarations of ES know nothing of it. */
export interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, (...args: number[]) => void>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> }
}

/** A compiled module. */
export type WasmModule = object

/** Linear memory: never grows, so its buffer stays the same. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
}

/** `undefined` where there is none, or where the guest has already given it up (04 §4.1). */
export function webAssembly(): WebAssemblyApi | undefined {
  return (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
}
