import { freezeIntrinsics } from './freeze-intrinsics.ts'

/** Ways out of the process, or to code that is not in the bundle (04 §4.1). Pipes, files and crypto are imported before. */
const OF_PROCESS = [
  'getBuiltinModule',
  'binding',
  '_linkedBinding',
  'dlopen',
  'execve',
  'kill',
  'loadEnvFile',
]
const OF_GLOBAL = [
  'fetch',
  'WebSocket',
  'EventSource',
  'WebAssembly',
  'navigator',
  'BroadcastChannel',
]
const SILENT = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table', 'assert']

/** Deletes the doors that nothing here uses and freezes what all code shares, before the first frame. */
export function lockDown(): void {
  for (const name of OF_PROCESS) Reflect.deleteProperty(process, name)
  for (const name of OF_GLOBAL) Reflect.deleteProperty(globalThis, name)
  for (const name of SILENT) Reflect.set(globalThis.console, name, () => undefined)
  freezeIntrinsics()
}
