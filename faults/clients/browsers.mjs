import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../../scripts/needed-programs.mjs';
import { folder, remove } from '../parts/folder.mjs';
import { Running } from '../parts/running.mjs';

const CHROMIUM =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage';
/** A page nobody looks at must not be slowed down, and a new profile must ask for nothing. */
const FIREFOX = `
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:1");
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("dom.min_background_timeout_value", 4);
`;

/** The real browsers that this machine has. */
export const browsers = /** @type {const} */ (['chromium', 'firefox-esr']).filter((name) => findProgram(name));

/**
 * Opens a page in a real browser.
 * @param {'chromium' | 'firefox-esr'} name @param {string} url
 * @returns {Promise<() => Promise<void>>} ends it
 */
export async function openBrowser(name, url) {
  const profile = folder(name);
  if (name === 'firefox-esr') await writeFile(join(profile, 'user.js'), FIREFOX);
  const args =
    name === 'chromium'
      ? [...CHROMIUM.split(' '), `--user-data-dir=${profile}`, url]
      : ['--headless', '--no-remote', '--profile', profile, url];
  const browser = new Running(/** @type {string} */ (findProgram(name)), args);
  return async () => {
    await browser.kill();
    remove(profile);
  };
}
