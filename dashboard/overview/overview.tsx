import { Page } from '../ui/page.tsx';

/** Every pipeline at a glance. */
export const Overview = () => <Page title="Overview" />;
