// Drives a real browser through Django's admin and prints what it saw as one JSON document.
// Usage: node admin.mjs BASE_URL USER PASSWORD
import { chromium } from 'playwright-core';

const [base, user, password] = process.argv.slice(2);
const patience = 30_000;
const newcomer = 'ada';

const seen = { steps: [], responses: [], failures: [] };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  timeout: patience,
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});

try {
  const page = await browser.newPage();
  page.setDefaultTimeout(patience);
  watch(page);
  await walk(page);
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(seen) + '\n');

function watch(page) {
  page.on('response', (response) => {
    const request = response.request();
    seen.responses.push({
      method: request.method(),
      url: response.url(),
      status: response.status(),
      type: request.resourceType(),
      location: response.headers().location ?? null,
    });
  });
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    // The browser itself breaks off what it still loads when a page is left for the next one.
    if (reason !== 'net::ERR_ABORTED') {
      seen.failures.push(`${request.method()} ${request.url()}: ${reason}`);
    }
  });
  page.on('pageerror', (error) => seen.failures.push(`script: ${error.message}`));
}

async function walk(page) {
  // Anonymous visitors are redirected to the login form.
  await page.goto(`${base}/admin/`);
  await step(page, 'login form');

  // A wrong password is told so and stays.
  await page.fill('#id_username', user);
  await page.fill('#id_password', `not ${password}`);
  await submit(page, '#login-form [type=submit]');
  await step(page, 'refused', { error: await page.textContent('.errornote') });

  await page.fill('#id_username', user);
  await page.fill('#id_password', password);
  await submit(page, '#login-form [type=submit]');
  await step(page, 'index', {
    header: await page.textContent('#site-name'),
    // A colour that only the stylesheet gives.
    background: await page.$eval('#header', (header) => getComputedStyle(header).backgroundColor),
  });

  await page.goto(`${base}/admin/auth/user/add/`);
  await page.fill('#id_username', newcomer);
  await page.fill('#id_password1', 'a-long-pass-phrase-7');
  await page.fill('#id_password2', 'a-long-pass-phrase-7');
  await submit(page, '[name=_save]');
  await step(page, 'added', { message: await page.textContent('.messagelist') });

  await page.goto(`${base}/admin/auth/user/?q=${newcomer}`);
  await step(page, 'found', {
    names: await page.$$eval('#result_list .field-username', (cells) =>
      cells.map((cell) => cell.textContent),
    ),
  });

  await submit(page, '#logout-form [type=submit]');
  await step(page, 'logged out');

  await page.goto(`${base}/admin/`);
  await step(page, 'login form again');
}

async function submit(page, button) {
  await Promise.all([page.waitForNavigation(), page.click(button)]);
}

async function step(page, name, more = {}) {
  seen.steps.push({ name, url: page.url(), title: await page.title(), ...more });
}
