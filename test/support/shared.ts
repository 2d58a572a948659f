import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where evidence, official vectors and peers' drivers may lie beside a checkout; the one place that names it. */
export const SHARED: string =
  process.env['HOLDFAST_SHARED'] ?? fileURLToPath(new URL('../../../shared/', import.meta.url))

export const sharedIsHere = (): boolean => existsSync(SHARED)
