-- Whether the application may still be a draft: the sweep of abandoned ones looks only at these, and at what was handed in once.
ALTER TABLE applicant_keys ADD COLUMN draft boolean NOT NULL DEFAULT true;
CREATE INDEX applicant_keys_drafts ON applicant_keys (created_at, application) WHERE draft;
