//! Generated from the migrated database; the law test `schema_matches_the_database` holds it true.

diesel::table! {
    absences (id) {
        id -> Uuid,
        county_id -> Uuid,
        officer_id -> Uuid,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        reason -> Text,
        source -> Text,
    }
}

diesel::table! {
    account_roles (account_id, role) {
        account_id -> Uuid,
        role -> Text,
        county_id -> Uuid,
    }
}

diesel::table! {
    accounts (id) {
        id -> Uuid,
        county_id -> Uuid,
        login -> Text,
        name -> Text,
        mobile -> Text,
        officer_id -> Nullable<Uuid>,
        password_hash -> Nullable<Text>,
        failed_logins -> Int4,
        locked_until -> Nullable<Timestamptz>,
        status -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    areas (id) {
        id -> Uuid,
        county_id -> Uuid,
        code -> Text,
        name -> Text,
        short_name -> Text,
        kind -> Text,
        aliases -> Array<Text>,
        active -> Bool,
    }
}

diesel::table! {
    calendar_recomputes (county_id, version) {
        county_id -> Uuid,
        version -> Int4,
        requested_at -> Timestamptz,
        pass -> Int2,
        due_at -> Timestamptz,
        after_subject -> Uuid,
        moved -> Int4,
        failure -> Nullable<Text>,
        done_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    calendars (id) {
        id -> Uuid,
        county_id -> Uuid,
        department_id -> Nullable<Uuid>,
        version -> Int4,
        published_through -> Nullable<Int4>,
        definition -> Jsonb,
        statutory -> Nullable<Int4>,
        created_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    call_ratings (call_id) {
        call_id -> Uuid,
        county_id -> Uuid,
        rated_by -> Uuid,
        rated_at -> Timestamptz,
        speed -> Int2,
        attitude -> Int2,
        ability -> Int2,
        result -> Int2,
        words -> Text,
    }
}

diesel::table! {
    calls (id) {
        id -> Uuid,
        county_id -> Uuid,
        number -> Text,
        state -> Text,
        urgency -> Text,
        wants_visit -> Bool,
        enterprise_id -> Uuid,
        item_id -> Nullable<Uuid>,
        title -> Text,
        text -> Text,
        place -> Text,
        contact_name -> Text,
        contact_phone -> Text,
        appointment_at -> Nullable<Timestamptz>,
        entrance -> Text,
        raised_by -> Uuid,
        raised_at -> Timestamptz,
        department_id -> Uuid,
        holder_id -> Uuid,
        backup_id -> Nullable<Uuid>,
        route_rule -> Text,
        route_reason -> Text,
        suggestions -> Jsonb,
        dispatched_at -> Nullable<Timestamptz>,
        accepted_at -> Nullable<Timestamptz>,
        arrived_at -> Nullable<Timestamptz>,
        resolved_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        outcome_text -> Nullable<Text>,
        closing -> Nullable<Text>,
        merged_into -> Nullable<Uuid>,
        version -> Int4,
    }
}

diesel::table! {
    card_appeals (card_id) {
        card_id -> Uuid,
        county_id -> Uuid,
        appealed_by -> Uuid,
        appealed_at -> Timestamptz,
        reason -> Text,
        evidence -> Text,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        upheld -> Nullable<Bool>,
        decision -> Nullable<Text>,
    }
}

diesel::table! {
    cards (id) {
        id -> Uuid,
        county_id -> Uuid,
        call_id -> Uuid,
        deadline_id -> Uuid,
        clock -> Text,
        rung -> Int2,
        colour -> Text,
        officer_id -> Uuid,
        department_id -> Uuid,
        due_at -> Timestamptz,
        issued_at -> Timestamptz,
        late_minutes -> Int4,
        struck -> Bool,
    }
}

diesel::table! {
    catalogue_asides (id) {
        id -> Uuid,
        county_id -> Uuid,
        kind -> Text,
        text -> Text,
    }
}

diesel::table! {
    catalogue_examples (id) {
        id -> Uuid,
        county_id -> Uuid,
        item_id -> Uuid,
        text -> Text,
    }
}

diesel::table! {
    categories (id) {
        id -> Uuid,
        county_id -> Uuid,
        code -> Text,
        name -> Text,
        description -> Text,
    }
}

diesel::table! {
    channels (id) {
        id -> Uuid,
        county_id -> Uuid,
        code -> Text,
        kind -> Text,
        name -> Text,
        department_id -> Nullable<Uuid>,
        base_url -> Text,
        credentials_sealed -> Bytea,
        settings -> Jsonb,
        language -> Text,
        state -> Text,
        state_reason -> Text,
        secret_given_at -> Nullable<Timestamptz>,
        called_at -> Nullable<Timestamptz>,
        interactive_refused_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contact_cards (id) {
        id -> Uuid,
        county_id -> Uuid,
        enterprise_id -> Uuid,
        item_id -> Nullable<Uuid>,
        category_id -> Nullable<Uuid>,
        officer_id -> Uuid,
        backup_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    counties (id) {
        id -> Uuid,
        code -> Text,
        name -> Text,
        settings -> Jsonb,
        catalogue_revision -> Int4,
        calendar_revision -> Int4,
        settings_revision -> Int4,
        shipped_ladder -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    county_texts (county_id, event) {
        county_id -> Uuid,
        event -> Text,
        version -> Int4,
        words -> Nullable<Jsonb>,
    }
}

diesel::table! {
    deadlines (id) {
        id -> Uuid,
        county_id -> Uuid,
        subject_kind -> Text,
        subject_id -> Uuid,
        clock -> Text,
        state -> Text,
        started_at -> Timestamptz,
        limit_amount -> Int4,
        limit_unit -> Text,
        due_at -> Timestamptz,
        provisional -> Bool,
        paused_at -> Nullable<Timestamptz>,
        stopped_at -> Nullable<Timestamptz>,
        fires_at -> Nullable<Timestamptz>,
        step -> Int2,
        held_until -> Nullable<Timestamptz>,
        calendar_version -> Int4,
        calendar_department -> Nullable<Uuid>,
        item_code -> Nullable<Text>,
        lifted_at -> Nullable<Timestamptz>,
        lifted_by -> Nullable<Text>,
        promised_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    department_channels (id) {
        id -> Uuid,
        county_id -> Uuid,
        department_id -> Uuid,
        channel_id -> Uuid,
        preference -> Int4,
        given_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    departments (id) {
        id -> Uuid,
        county_id -> Uuid,
        code -> Text,
        name -> Text,
        short_name -> Text,
        aliases -> Array<Text>,
        kind -> Text,
        hotline -> Nullable<Text>,
        enforces -> Bool,
        joint_inspection -> Bool,
        mechanism_roles -> Array<Text>,
        area_id -> Nullable<Uuid>,
        office -> Nullable<Text>,
        active -> Bool,
    }
}

diesel::table! {
    drill_contacts (id) {
        id -> Uuid,
        county_id -> Uuid,
        drill_id -> Uuid,
        officer_id -> Uuid,
        department_id -> Uuid,
        inbox_id -> Uuid,
        message_id -> Nullable<Uuid>,
        heard_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    drills (id) {
        id -> Uuid,
        county_id -> Uuid,
        month -> Nullable<Date>,
        started_at -> Timestamptz,
        answer_by -> Timestamptz,
        started_by -> Text,
    }
}

diesel::table! {
    enterprises (id) {
        id -> Uuid,
        county_id -> Uuid,
        code -> Text,
        uscc -> Text,
        name -> Text,
        short_name -> Text,
        kind -> Text,
        industry_code -> Text,
        industry_name -> Text,
        area_id -> Uuid,
        address -> Text,
        scale -> Text,
        employees -> Nullable<Int4>,
        annual_revenue_wan -> Nullable<Int8>,
        established_on -> Nullable<Date>,
        qualifications -> Array<Text>,
        need_tags -> Array<Text>,
        stage -> Text,
        authority_id -> Nullable<Uuid>,
        credit_class -> Text,
        contact_name -> Text,
        contact_mobile -> Text,
        latitude -> Nullable<Float8>,
        longitude -> Nullable<Float8>,
        status -> Text,
    }
}

diesel::table! {
    firings (deadline_id, step) {
        deadline_id -> Uuid,
        step -> Int2,
        county_id -> Uuid,
        rung -> Int2,
        planned_at -> Timestamptz,
        fired_at -> Timestamptz,
        outcome -> Text,
    }
}

diesel::table! {
    hand_overs (id) {
        id -> Uuid,
        county_id -> Uuid,
        call_id -> Uuid,
        deadline_id -> Nullable<Uuid>,
        state -> Text,
        pack -> Jsonb,
        pack_hash -> Bytea,
        note -> Text,
        drafted_at -> Timestamptz,
        reviewed_by -> Nullable<Uuid>,
        reviewed_at -> Nullable<Timestamptz>,
        signed_by -> Nullable<Uuid>,
        signed_at -> Nullable<Timestamptz>,
        handed_by -> Nullable<Uuid>,
        handed_at -> Nullable<Timestamptz>,
        dropped_by -> Nullable<Uuid>,
        dropped_at -> Nullable<Timestamptz>,
        dropped_reason -> Nullable<Text>,
        version -> Int4,
    }
}

diesel::table! {
    holder_spans (id) {
        id -> Uuid,
        county_id -> Uuid,
        call_id -> Uuid,
        officer_id -> Uuid,
        department_id -> Uuid,
        starts_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    idempotency_keys (account_id, key) {
        account_id -> Uuid,
        key -> Text,
        county_id -> Uuid,
        fingerprint -> Bytea,
        subject_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    item_contacts (id) {
        id -> Uuid,
        county_id -> Uuid,
        item_id -> Uuid,
        officer_id -> Uuid,
        area_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    item_helpers (item_id, department_id) {
        item_id -> Uuid,
        department_id -> Uuid,
        county_id -> Uuid,
        rank -> Int2,
    }
}

diesel::table! {
    ledger_events (subject_id, seq) {
        subject_id -> Uuid,
        seq -> Int4,
        county_id -> Uuid,
        subject_kind -> Text,
        kind -> Text,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        actor_name -> Text,
        at -> Timestamptz,
        data -> Jsonb,
        prev_hash -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    members (id) {
        id -> Uuid,
        county_id -> Uuid,
        enterprise_id -> Uuid,
        account_id -> Uuid,
        standing -> Text,
        joined_at -> Timestamptz,
        left_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notice_attempts (notice_id, attempt) {
        notice_id -> Uuid,
        attempt -> Int4,
        county_id -> Uuid,
        started_at -> Timestamptz,
        took_ms -> Int4,
        http_status -> Nullable<Int2>,
        outcome -> Text,
        excerpt -> Text,
        next_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notices (id) {
        id -> Uuid,
        county_id -> Uuid,
        subject_kind -> Text,
        subject_id -> Uuid,
        event -> Text,
        posting_id -> Uuid,
        channel_id -> Nullable<Uuid>,
        recipient -> Text,
        officer_id -> Nullable<Uuid>,
        account_id -> Nullable<Uuid>,
        priority -> Text,
        params -> Jsonb,
        state -> Text,
        attempt -> Int4,
        due_at -> Nullable<Timestamptz>,
        answered -> Bool,
        created_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
        follow_at -> Nullable<Timestamptz>,
        provider_id -> Nullable<Text>,
        reason -> Text,
        read_at -> Nullable<Timestamptz>,
        retried_at -> Nullable<Timestamptz>,
        handle -> Nullable<Text>,
        redraws -> Nullable<Uuid>,
    }
}

diesel::table! {
    officer_addresses (id) {
        id -> Uuid,
        county_id -> Uuid,
        officer_id -> Uuid,
        channel_id -> Uuid,
        user_id -> Text,
        preference -> Nullable<Int4>,
        chosen_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    officers (id) {
        id -> Uuid,
        county_id -> Uuid,
        code -> Text,
        name -> Text,
        department_id -> Uuid,
        title -> Text,
        post -> Text,
        backup_id -> Nullable<Uuid>,
        is_duty_contact -> Bool,
        mobile -> Text,
        office_phone -> Nullable<Text>,
        certificate_no -> Nullable<Text>,
        status -> Text,
    }
}

diesel::table! {
    platform_logins (id) {
        id -> Uuid,
        county_id -> Uuid,
        account_id -> Uuid,
        platform -> Text,
        app_id -> Text,
        external_id -> Text,
        bound_at -> Timestamptz,
    }
}

diesel::table! {
    refresh_tokens (id) {
        id -> Uuid,
        county_id -> Uuid,
        session_id -> Uuid,
        hash -> Bytea,
        issued_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    service_items (id) {
        id -> Uuid,
        county_id -> Uuid,
        category_id -> Uuid,
        code -> Text,
        name -> Text,
        department_id -> Uuid,
        on_the_spot -> Bool,
        accept_working_minutes -> Int4,
        respond_working_hours -> Int4,
        resolve_working_days -> Int4,
        keywords -> Array<Text>,
        synonyms -> Array<Text>,
        active -> Bool,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        county_id -> Uuid,
        account_id -> Uuid,
        started_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    side_matters (id) {
        id -> Uuid,
        county_id -> Uuid,
        call_id -> Uuid,
        kind -> Text,
        state -> Text,
        asked_by -> Uuid,
        asked_at -> Timestamptz,
        reason_code -> Nullable<Text>,
        reason -> Text,
        evidence -> Text,
        from_department_id -> Nullable<Uuid>,
        department_id -> Nullable<Uuid>,
        officer_id -> Nullable<Uuid>,
        other_call_id -> Nullable<Uuid>,
        working_days -> Nullable<Int2>,
        until_at -> Nullable<Timestamptz>,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        decision -> Nullable<Text>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        private_sealed -> Bytea,
        public_key -> Bytea,
        created_at -> Timestamptz,
        signs_until -> Timestamptz,
        verifies_until -> Timestamptz,
    }
}

diesel::table! {
    subscription_grants (id) {
        id -> Uuid,
        county_id -> Uuid,
        account_id -> Uuid,
        channel_id -> Uuid,
        template_id -> Text,
        grant_key -> Text,
        granted_at -> Timestamptz,
        spent_at -> Nullable<Timestamptz>,
        notice_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    supervision_orders (id) {
        id -> Uuid,
        county_id -> Uuid,
        number -> Text,
        call_id -> Nullable<Uuid>,
        deadline_id -> Nullable<Uuid>,
        clock -> Nullable<Text>,
        rung -> Nullable<Int2>,
        department_id -> Uuid,
        issued_by -> Nullable<Uuid>,
        issued_at -> Timestamptz,
        text -> Text,
        state -> Text,
        signed_by -> Nullable<Uuid>,
        signed_at -> Nullable<Timestamptz>,
        reply -> Nullable<Text>,
        replied_by -> Nullable<Uuid>,
        replied_at -> Nullable<Timestamptz>,
        sent_back_at -> Nullable<Timestamptz>,
        sent_back_reason -> Nullable<Text>,
        closed_by -> Nullable<Uuid>,
        closed_at -> Nullable<Timestamptz>,
        verdict -> Nullable<Text>,
        version -> Int4,
    }
}

diesel::joinable!(absences -> officers (officer_id));
diesel::joinable!(account_roles -> accounts (account_id));
diesel::joinable!(accounts -> officers (officer_id));
diesel::joinable!(calendars -> accounts (created_by));
diesel::joinable!(calendars -> departments (department_id));
diesel::joinable!(call_ratings -> accounts (rated_by));
diesel::joinable!(call_ratings -> calls (call_id));
diesel::joinable!(calls -> accounts (raised_by));
diesel::joinable!(calls -> departments (department_id));
diesel::joinable!(calls -> enterprises (enterprise_id));
diesel::joinable!(calls -> service_items (item_id));
diesel::joinable!(card_appeals -> cards (card_id));
diesel::joinable!(cards -> calls (call_id));
diesel::joinable!(cards -> deadlines (deadline_id));
diesel::joinable!(cards -> departments (department_id));
diesel::joinable!(cards -> officers (officer_id));
diesel::joinable!(catalogue_examples -> service_items (item_id));
diesel::joinable!(channels -> departments (department_id));
diesel::joinable!(contact_cards -> categories (category_id));
diesel::joinable!(contact_cards -> enterprises (enterprise_id));
diesel::joinable!(contact_cards -> service_items (item_id));
diesel::joinable!(department_channels -> channels (channel_id));
diesel::joinable!(department_channels -> departments (department_id));
diesel::joinable!(departments -> areas (area_id));
diesel::joinable!(drill_contacts -> departments (department_id));
diesel::joinable!(drill_contacts -> drills (drill_id));
diesel::joinable!(drill_contacts -> officers (officer_id));
diesel::joinable!(enterprises -> areas (area_id));
diesel::joinable!(enterprises -> departments (authority_id));
diesel::joinable!(firings -> deadlines (deadline_id));
diesel::joinable!(hand_overs -> calls (call_id));
diesel::joinable!(hand_overs -> deadlines (deadline_id));
diesel::joinable!(holder_spans -> calls (call_id));
diesel::joinable!(holder_spans -> departments (department_id));
diesel::joinable!(holder_spans -> officers (officer_id));
diesel::joinable!(idempotency_keys -> accounts (account_id));
diesel::joinable!(item_contacts -> areas (area_id));
diesel::joinable!(item_contacts -> officers (officer_id));
diesel::joinable!(item_contacts -> service_items (item_id));
diesel::joinable!(item_helpers -> departments (department_id));
diesel::joinable!(item_helpers -> service_items (item_id));
diesel::joinable!(members -> accounts (account_id));
diesel::joinable!(members -> enterprises (enterprise_id));
diesel::joinable!(notice_attempts -> notices (notice_id));
diesel::joinable!(notices -> accounts (account_id));
diesel::joinable!(notices -> channels (channel_id));
diesel::joinable!(notices -> officers (officer_id));
diesel::joinable!(officer_addresses -> channels (channel_id));
diesel::joinable!(officer_addresses -> officers (officer_id));
diesel::joinable!(officers -> departments (department_id));
diesel::joinable!(platform_logins -> accounts (account_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(service_items -> categories (category_id));
diesel::joinable!(service_items -> departments (department_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(side_matters -> officers (officer_id));
diesel::joinable!(subscription_grants -> accounts (account_id));
diesel::joinable!(subscription_grants -> channels (channel_id));
diesel::joinable!(subscription_grants -> notices (notice_id));
diesel::joinable!(supervision_orders -> calls (call_id));
diesel::joinable!(supervision_orders -> deadlines (deadline_id));
diesel::joinable!(supervision_orders -> departments (department_id));

diesel::allow_tables_to_appear_in_same_query!(
    absences,
    account_roles,
    accounts,
    areas,
    calendar_recomputes,
    calendars,
    call_ratings,
    calls,
    card_appeals,
    cards,
    catalogue_asides,
    catalogue_examples,
    categories,
    channels,
    contact_cards,
    counties,
    county_texts,
    deadlines,
    department_channels,
    departments,
    drill_contacts,
    drills,
    enterprises,
    firings,
    hand_overs,
    holder_spans,
    idempotency_keys,
    item_contacts,
    item_helpers,
    ledger_events,
    members,
    notice_attempts,
    notices,
    officer_addresses,
    officers,
    platform_logins,
    refresh_tokens,
    service_items,
    sessions,
    side_matters,
    signing_keys,
    subscription_grants,
    supervision_orders,
);
