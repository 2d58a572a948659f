/** The guest's settings as its rooms read them; they come with the hello and are bounded by its decoder. */
export type { GuestSettings } from '../port/guest-settings.ts'
