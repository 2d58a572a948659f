import { type DestinationStream, pino } from 'pino'

/** What a log line may carry; anything else does not compile, and is dropped at run time. */
export interface LogFields {
  readonly party?: number
  readonly peer?: string
  readonly address?: string
  readonly protocol?: string
  readonly reason?: string
  readonly code?: string
  readonly requestId?: string
  readonly method?: string
  readonly attempt?: number
  readonly epoch?: number
  readonly count?: number
  readonly bytes?: number
  readonly ms?: number
  readonly port?: number
  readonly url?: string
  readonly version?: string
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** One event name and listed fields: no objects, no messages of other libraries, hence no secrets. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

const ALLOWED: Readonly<Record<keyof LogFields, 'string' | 'number'>> = {
  party: 'number',
  peer: 'string',
  address: 'string',
  protocol: 'string',
  reason: 'string',
  code: 'string',
  requestId: 'string',
  method: 'string',
  attempt: 'number',
  epoch: 'number',
  count: 'number',
  bytes: 'number',
  ms: 'number',
  port: 'number',
  url: 'string',
  version: 'string',
}

const MAX_FIELD_CHARACTERS = 256 // a peer may choose some of these texts

/** JSON lines; `to` is standard output unless a test gives another. */
export function createLog(level: LogLevel, to?: DestinationStream): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const logger = to === undefined ? pino(options) : pino(options, to)
  return {
    debug: (event, fields) => logger.debug({ event, ...allowed(fields) }),
    info: (event, fields) => logger.info({ event, ...allowed(fields) }),
    warn: (event, fields) => logger.warn({ event, ...allowed(fields) }),
    error: (event, fields) => logger.error({ event, ...allowed(fields) }),
  }
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

function allowed(fields: LogFields = {}): Record<string, string | number> {
  const kept: Record<string, string | number> = {}
  for (const [name, kind] of Object.entries(ALLOWED)) {
    const value: unknown = fields[name as keyof LogFields]
    if (typeof value === 'number' && kind === 'number') kept[name] = value
    if (typeof value === 'string' && kind === 'string')
      kept[name] = value.slice(0, MAX_FIELD_CHARACTERS)
  }
  return kept
}
