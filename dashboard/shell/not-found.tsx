import { Link } from 'wouter';
import { Page } from '../ui/page.tsx';

export const NotFound = () => (
  <Page title="Nothing here">
    <p className="lead">
      There is no page at this address. <Link href="/">Go to the overview</Link>
    </p>
  </Page>
);
