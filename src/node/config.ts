import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import {
  DEFAULT_OPERATOR_SETTINGS,
  GUEST_SETTINGS,
  type GuestSettings,
} from '../../enclave-runtime/port/guest-settings.ts'
import type { LogLevel } from './log.ts'
import { type ProfileName, profiles } from './profiles.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Everything an operator can set for one node; all paths are absolute. */
export interface NodeConfig {
  /** The node's directory: node.toml, genesis.cbor, operator.key, accounts/. */
  readonly dir: string
  /** Where the node is meant to live: it decides defaults and what may be dialled (07 §2.2). */
  readonly profile: ProfileName
  /** The network this node belongs to, as 64 hex digits; null: whatever genesis.cbor says. */
  readonly networkId: string | null
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly bootstrap: readonly string[]
  readonly rpc: { readonly host: string; readonly port: number }
  /** Whether requests may arrive unsealed; only on development networks (05 §3.1). */
  readonly allowPlain: boolean
  /** The arithmetic engine of the guest; `reference` only on development networks (02 §14). */
  readonly kernel: 'wasm' | 'reference'
  /** host/ (peer key, libp2p's own store) and records/ (sealed records) lie here. */
  readonly dataDir: string
  /** root.key and epochs.key; outside the data directory, so that a stolen disk image is not enough. */
  readonly keysDir: string
  readonly logLevel: LogLevel
  readonly metrics: { readonly host: string; readonly port: number } | null
  /** Host-level protection of the gateway (05 §4.4); what an account may ask is not among it. */
  readonly gateway: { readonly limits: ConfiguredLimits }
  /** How much the guest makes ahead, and what that may cost; what it accepts without its operator. */
  readonly guest: GuestSettings
  /** When the operator is told (03 §7). */
  readonly alerts: { readonly missingMinutes: number }
}

/** Absent: the gateway's own default. */
export interface ConfiguredLimits {
  /** Calls of one address. */
  readonly address?: ConfiguredRate
  /** Accounts made from one address. */
  readonly registrations?: ConfiguredRate
  /** HTTP requests under way at once. */
  readonly open?: number
}

export interface ConfiguredRate {
  readonly perMinute: number
  readonly burst: number
}

/** Every problem of a configuration at once, each with what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options)
    this.problems = problems
  }
}

const MAX_CONFIG_BYTES = 65_536 // a page of settings; anything larger is some other file
const MAX_ADDRESSES = 32 // more than any node listens on; keeps the file readable
const MAX_ADDRESS_LENGTH = 512 // a multiaddr with a long name, a path and a peer id
const MAX_PATH_LENGTH = 4096 // PATH_MAX of Linux
const DEFAULT_RPC_PORT = 9545 // 05 §1.1
const MAX_PER_MINUTE = 1_000_000 // more than any node answers
const MAX_OPEN_REQUESTS = 10_000 // each may hold a body of 600 KiB
const MISSING_MINUTES = 24 * 60 // 03 §7
const MAX_MISSING_MINUTES = 30 * 24 * 60 // longer than any refresh is put off
const DEFAULT_METRICS_HOST = '127.0.0.1'

/** Names of our own tools that share the prefix and are no settings of a node. */
const NOT_SETTINGS = ['HOLDFAST_PEERS', 'HOLDFAST_SHARED']

const address = z
  .string()
  .max(MAX_ADDRESS_LENGTH)
  .regex(/^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/[^/\s]+(\/[^/\s]+)*$/, 'is not a multiaddr')
const addresses = z.array(address).max(MAX_ADDRESSES)
const host = z
  .string()
  .refine((text) => isIP(text) !== 0 || text === 'localhost', 'must be an IP address')
const port = z.int().min(0).max(65_535)
const path = z.string().min(1).max(MAX_PATH_LENGTH)
const rate = z.strictObject({
  perMinute: z.int().min(1).max(MAX_PER_MINUTE),
  burst: z.int().min(1).max(MAX_PER_MINUTE),
})
/** `[gateway.limits]`. */
const GatewayTable = z.strictObject({
  limits: z
    .strictObject({
      address: rate.exactOptional(),
      registrations: rate.exactOptional(),
      open: z.int().min(1).max(MAX_OPEN_REQUESTS).exactOptional(),
    })
    .prefault({}),
})

const within = ({ min, max, usual }: { min: number; max: number; usual: number }) =>
  z.int().min(min).max(max).default(usual)
const { correlations, presignatures, readyKeys, background } = GUEST_SETTINGS

/** `[guest]`: the same bounds as the guest itself holds its host to. */
const GuestTable = z.strictObject({
  correlations: z
    .strictObject({ low: within(correlations.low), high: within(correlations.high) })
    .refine(({ low, high }) => low <= high, 'low is above high: refilling would never end')
    .prefault({}),
  presignatures: z
    .strictObject({
      keep: within(presignatures.keep),
      warmMinutes: within(presignatures.warmMinutes),
    })
    .prefault({}),
  readyKeys: within(readyKeys),
  background: z
    .strictObject({
      cpuPercent: within(background.cpuPercent),
      mbitPerSecond: within(background.mbitPerSecond),
    })
    .prefault({}),
})

const { autoAccept, refreshSchedule } = DEFAULT_OPERATOR_SETTINGS

/** `[operator]`: the operator file of 03 §7. */
const OperatorTable = z.strictObject({
  autoAccept: z
    .strictObject({
      refresh: z.boolean().default(autoAccept.refresh),
      leaveOwn: z.boolean().default(autoAccept.leaveOwn),
      join: z.union([z.boolean(), z.literal('attested')]).default(autoAccept.join),
      remove: z.boolean().default(autoAccept.remove),
      allow: z.boolean().default(autoAccept.allow),
    })
    .prefault({}),
  alertMissingMinutes: z.int().min(1).max(MAX_MISSING_MINUTES).default(MISSING_MINUTES),
  refreshSchedule: z.boolean().default(refreshSchedule),
})

const Settings = z.strictObject({
  profile: z.enum(['local', 'lan', 'public']).default('local'),
  networkId: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')
    .optional(),
  listen: addresses.min(1, 'must name at least one address').optional(),
  announce: addresses.default([]),
  bootstrap: addresses.default([]),
  rpc: z
    .strictObject({ host: host.default('127.0.0.1'), port: port.default(DEFAULT_RPC_PORT) })
    .prefault({}),
  allowPlain: z.boolean().default(false),
  kernel: z.enum(['wasm', 'reference']).default('wasm'),
  dataDir: path.optional(),
  keysDir: path.optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  metrics: z.strictObject({ host: host.default(DEFAULT_METRICS_HOST), port }).optional(),
  gateway: GatewayTable.prefault({}),
  guest: GuestTable.prefault({}),
  operator: OperatorTable.prefault({}),
})

type Reading = (text: string) => unknown
const asText: Reading = (text) => text
const asList: Reading = (text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
const asNumber: Reading = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : text)
const asBoolean: Reading = (text) => (text === 'true' ? true : text === 'false' ? false : text)

/** Each variable, the setting it overrides and how its text is read. */
const VARIABLES: Readonly<
  Record<string, { readonly at: readonly string[]; readonly as: Reading }>
> = {
  HOLDFAST_PROFILE: { at: ['profile'], as: asText },
  HOLDFAST_NETWORK_ID: { at: ['networkId'], as: asText },
  HOLDFAST_LISTEN: { at: ['listen'], as: asList },
  HOLDFAST_ANNOUNCE: { at: ['announce'], as: asList },
  HOLDFAST_BOOTSTRAP: { at: ['bootstrap'], as: asList },
  HOLDFAST_RPC_HOST: { at: ['rpc', 'host'], as: asText },
  HOLDFAST_RPC_PORT: { at: ['rpc', 'port'], as: asNumber },
  HOLDFAST_ALLOW_PLAIN: { at: ['allowPlain'], as: asBoolean },
  HOLDFAST_KERNEL: { at: ['kernel'], as: asText },
  HOLDFAST_DATA_DIR: { at: ['dataDir'], as: asText },
  HOLDFAST_KEYS_DIR: { at: ['keysDir'], as: asText },
  HOLDFAST_LOG_LEVEL: { at: ['logLevel'], as: asText },
  HOLDFAST_METRICS_HOST: { at: ['metrics', 'host'], as: asText },
  HOLDFAST_METRICS_PORT: { at: ['metrics', 'port'], as: asNumber },
  HOLDFAST_GUEST_CORRELATIONS_LOW: { at: ['guest', 'correlations', 'low'], as: asNumber },
  HOLDFAST_GUEST_CORRELATIONS_HIGH: { at: ['guest', 'correlations', 'high'], as: asNumber },
  HOLDFAST_GUEST_PRESIGNATURES_KEEP: { at: ['guest', 'presignatures', 'keep'], as: asNumber },
  HOLDFAST_GUEST_PRESIGNATURES_WARM_MINUTES: {
    at: ['guest', 'presignatures', 'warmMinutes'],
    as: asNumber,
  },
  HOLDFAST_GUEST_READY_KEYS: { at: ['guest', 'readyKeys'], as: asNumber },
  HOLDFAST_GUEST_BACKGROUND_CPU_PERCENT: {
    at: ['guest', 'background', 'cpuPercent'],
    as: asNumber,
  },
  HOLDFAST_GUEST_BACKGROUND_MBIT_PER_SECOND: {
    at: ['guest', 'background', 'mbitPerSecond'],
    as: asNumber,
  },
  HOLDFAST_OPERATOR_AUTO_ACCEPT_REFRESH: {
    at: ['operator', 'autoAccept', 'refresh'],
    as: asBoolean,
  },
  HOLDFAST_OPERATOR_AUTO_ACCEPT_LEAVE_OWN: {
    at: ['operator', 'autoAccept', 'leaveOwn'],
    as: asBoolean,
  },
  HOLDFAST_OPERATOR_AUTO_ACCEPT_JOIN: { at: ['operator', 'autoAccept', 'join'], as: asBoolean },
  HOLDFAST_OPERATOR_AUTO_ACCEPT_REMOVE: { at: ['operator', 'autoAccept', 'remove'], as: asBoolean },
  HOLDFAST_OPERATOR_AUTO_ACCEPT_ALLOW: { at: ['operator', 'autoAccept', 'allow'], as: asBoolean },
  HOLDFAST_OPERATOR_ALERT_MISSING_MINUTES: {
    at: ['operator', 'alertMissingMinutes'],
    as: asNumber,
  },
  HOLDFAST_OPERATOR_REFRESH_SCHEDULE: { at: ['operator', 'refreshSchedule'], as: asBoolean },
}

/** The names of the environment variables that `parseConfig` reads, for documents and helps. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(VARIABLES)

/**
 * The configuration of the node in `dir`, from the text of its node.toml and the environment, which wins. Pure.
 * @throws ConfigError with every problem at once.
 */
export function parseConfig(input: { dir: string; text: string; env: Environment }): NodeConfig {
  const problems: string[] = []
  const table = readToml(input.text, problems)
  override(table, input.env, problems)
  const parsed = Settings.safeParse(table)
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(explain))
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)

  const settings = parsed.data
  const dir = resolve(input.dir)
  const dataDir = settings.dataDir === undefined ? dir : resolve(dir, settings.dataDir)
  const keysDir = settings.keysDir === undefined ? `${dir}.keys` : resolve(dir, settings.keysDir)
  if (`${keysDir}/`.startsWith(`${dataDir}/`))
    problems.push(
      `keysDir ${keysDir} lies inside dataDir ${dataDir}: choose a directory outside it, so that one copied directory is not the whole node`,
    )
  if (settings.profile === 'public' && settings.announce.length === 0)
    problems.push(
      'profile "public" needs announce: the addresses under which others reach this node',
    )
  if (settings.allowPlain && !isLoopback(settings.rpc.host))
    problems.push(
      `allowPlain with rpc.host ${settings.rpc.host} would take unsealed requests from other machines: set rpc.host to 127.0.0.1`,
    )
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({
    dir,
    profile: settings.profile,
    networkId: settings.networkId ?? null,
    listen: settings.listen ?? profiles[settings.profile].listen,
    announce: settings.announce,
    bootstrap: settings.bootstrap,
    rpc: settings.rpc,
    allowPlain: settings.allowPlain,
    kernel: settings.kernel,
    dataDir,
    keysDir,
    logLevel: settings.logLevel,
    metrics: settings.metrics ?? null,
    gateway: settings.gateway,
    guest: {
      ...settings.guest,
      operator: {
        autoAccept: settings.operator.autoAccept,
        refreshSchedule: settings.operator.refreshSchedule,
      },
    },
    alerts: { missingMinutes: settings.operator.alertMissingMinutes },
  })
}

/** Reads `<dir>/node.toml` and parses it with `env`. @throws ConfigError, also when the file is missing. */
export async function readConfig(dir: string, env: Environment): Promise<NodeConfig> {
  const file = join(resolve(dir), 'node.toml')
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new ConfigError(
      [
        missing
          ? `there is no ${file}: make a node there with "holdfast init --dir ${resolve(dir)}"`
          : `${file} cannot be read (${String((cause as NodeJS.ErrnoException).code)}): check its owner and mode`,
      ],
      { cause },
    )
  }
  if (bytes.length > MAX_CONFIG_BYTES)
    throw new ConfigError([`${file} is larger than ${MAX_CONFIG_BYTES} bytes: it is no node.toml`])
  return parseConfig({ dir, text: new TextDecoder().decode(bytes), env })
}

/** Whether only this machine can reach what listens on `host`. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** The environment of this process; the one door through which settings come from it. */
export const environment = (): Environment => process.env

function readToml(text: string, problems: string[]): Record<string, unknown> {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    problems.push(
      `node.toml is not valid TOML at line ${error.line}, column ${error.column}: ${error.message.split('\n')[0] ?? ''}`,
    )
    return {}
  }
}

function override(table: Record<string, unknown>, env: Environment, problems: string[]): void {
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('HOLDFAST_') || NOT_SETTINGS.includes(name) || text === undefined) continue
    const variable = VARIABLES[name]
    if (variable === undefined) {
      problems.push(`${name} (environment) is not a known setting`)
      continue
    }
    put(table, variable.at, variable.as(text))
  }
}

/** Sets one value of a table of tables; what stands in the place of a table is replaced by one. */
function put(table: Record<string, unknown>, at: readonly string[], value: unknown): void {
  const [first = '', ...rest] = at
  if (rest.length === 0) {
    table[first] = value
    return
  }
  const inner = { ...(table[first] as object | undefined) }
  put(inner, rest, value)
  table[first] = inner
}

/** One line per problem: which setting, and what is wrong with it. */
function explain(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.')
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${at === '' ? key : `${at}.${key}`} is not a known setting`)
  return [`${at}: ${issue.message}`]
}
